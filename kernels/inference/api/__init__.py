"""Models that others serve, asked over HTTP as OpenAI's are (platform.openai.com/docs/api-reference: models, completions, chat completions)."""
