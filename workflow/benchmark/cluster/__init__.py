"""Where jobs run and what they need: the site file, GPUs, time and memory, the cost of a study."""
