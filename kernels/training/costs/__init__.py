"""What a training takes: work, memory, time and money, counted or measured."""
