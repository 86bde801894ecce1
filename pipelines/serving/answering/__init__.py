"""Between requests that come and go and the thread in which a model computes."""
