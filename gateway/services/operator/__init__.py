"""What acts without a principal: for the command line and the server's own tasks, never a face."""
