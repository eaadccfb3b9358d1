"""What ``streamapp replay`` does: begins the runs of batches, tells of each, and waits for them."""
