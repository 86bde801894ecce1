"""What readers share: lines, rows, columns, compression, records of archives."""
