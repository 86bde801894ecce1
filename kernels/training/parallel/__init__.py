"""One model trained by several processes: who they are, what each holds, and how sums are made of what each computes."""
