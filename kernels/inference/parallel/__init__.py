"""One model read by several processes, and several that answer shares of what is asked."""
