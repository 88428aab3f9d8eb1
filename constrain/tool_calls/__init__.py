"""Tool calls: one grammar writes them and reads them back."""
