"""Where jobs run and what they need: the site file, GPUs, time and memory, GPU hours of a study."""
