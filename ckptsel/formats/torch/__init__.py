"""What torch.save writes, old and new."""
