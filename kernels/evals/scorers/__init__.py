"""What counts as right: values of answers, and the metric that they make."""
