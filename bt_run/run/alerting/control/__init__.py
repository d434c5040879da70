"""Control by Telegram: commands of listed chats, answered from the run's last state and by its verbs."""
