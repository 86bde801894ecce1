"""Parts that architectures are built of. Modules here import torch at their top: who needs the graph alone does not import them."""
