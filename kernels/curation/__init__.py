"""What becomes of documents: filters, scrubbing, deduplication, decontamination."""
