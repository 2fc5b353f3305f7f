"""What must hold under fault, at scale and against hostile input; each test prints the figure it holds."""
