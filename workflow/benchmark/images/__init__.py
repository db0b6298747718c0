"""Opens scans: one function reads every image, and this folder defines the meaning of header and voxels."""
