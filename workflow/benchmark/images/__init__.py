"""Opening scans: the one door through which every image comes, and what header and voxels mean."""
