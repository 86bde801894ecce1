"""The server: answers over HTTP by the one engine, in the forms of OpenAI and Anthropic. The only place of web frameworks."""
