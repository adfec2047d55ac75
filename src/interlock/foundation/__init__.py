"""What everything stands on: settings, storage, HTTP, time, secrets, telemetry, plug-ins and documents."""
