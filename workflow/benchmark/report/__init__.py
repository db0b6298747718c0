"""The pages that hold a study together: verdict, gallery, cost of every job."""
