"""The pages about a whole study: verdict, gallery, time and memory of every job."""
