"""What elder watches publish, below the prefix `atom`."""

from __future__ import annotations

from devices.family import Sample

SAMPLES = (
    Sample(
        model="G616, pressed",
        topic="g616/status/861234056789012",
        payload='{"imei":"861234056789012","stepCount":"840","heartRate":"88","bpSystolic":"131",'
        '"bpDiastolic":"79","bloodOxygen":"97","temperature":"36.5","battery":"52","sos":true,'
        '"speed":"0.00","locationDate":"260412","locationTime":"055810",'
        '"location":"113.2500000,23.1250000","isWearing":true,"isOnline":true}',
        means=(
            "sos",
            "location",
            "stepCount=840",
            "heart_rate=88",
            "systolic=131",
            "diastolic=79",
            "spo2=97",
            "temperature=36.5",
            "battery_pct=52",
            "online",
        ),
        role="watch",
    ),
    Sample(
        model="G601, nothing measured yet and no fix",
        topic="g601/status/861234056789013",
        payload='{"heartRate":"0","bloodOxygen":"0","battery":"91","sos":false,'
        '"location":"0.0000000,0.0000000","isWearing":true}',
        means=("sos_cancel", "battery_pct=91"),
        role="watch",
    ),
    Sample(
        model="618, on the bedside table",
        topic="618/status/861234056789014",
        payload='{"heartRate":"61","battery":"40","isWearing":false}',
        means=("heartbeat", "battery_pct=40"),
        role="watch",
    ),
    Sample(
        model="another program's command",
        topic="g616/command/861234056789012",
        payload='{"locate":1}',
        means=(),
    ),
    Sample(
        model="status cut off",
        topic="g616/status/861234056789012",
        payload='{"imei":"861234056789012","sos":tr',
        means=("quarantined",),
        role="watch",
    ),
)
