"""Users, who sign in over the network: `service.Users` is what the application has."""
