"""What scores say: values of items combined, intervals, differences of two models, and how many were tested."""
