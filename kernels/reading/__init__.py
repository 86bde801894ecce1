"""What readers of source formats share: streams, rows, records, markup."""
