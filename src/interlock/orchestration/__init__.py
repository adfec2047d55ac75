"""What happens after a request arrives: sessions, actions, approvals, agents, and the project they run under."""
