"""What tests share: real receivers and real processes."""
