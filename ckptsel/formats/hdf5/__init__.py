"""Plain HDF5: files from strangers, read without trusting them."""
