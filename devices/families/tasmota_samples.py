"""What Tasmota devices publish, below the prefix `tele`."""

from __future__ import annotations

from devices.family import Sample

SAMPLES = (
    Sample(
        model="Athom plug",
        topic="plug-kitchen/SENSOR",
        payload='{"Time":"2026-04-12T13:58:15","ENERGY":{"TotalStartTime":"2025-01-14T18:02:42",'
        '"Total":104.625,"Yesterday":1.2,"Today":0.4,"Power":61,"Voltage":228,"Current":0.31}}',
        means=("energy_total=104.625", "power=61", "voltage=228", "current=0.31"),
        role="plug",
    ),
    Sample(
        model="three-phase meter: a number a phase",
        topic="meter-hall/SENSOR",
        payload='{"Time":"2026-04-12T13:58:15","ENERGY":{"Total":[10.5,20.25,30],'
        '"Power":[100,0,50],"Voltage":[230,229,231]}}',
        means=("energy_total=60.75", "power=150", "voltage=230"),
        role="electricity_meter",
    ),
    Sample(
        model="Athom plug, state",
        topic="plug-kitchen/STATE",
        payload='{"Time":"2026-04-12T13:58:15","UptimeSec":194,"POWER":"ON",'
        '"Wifi":{"RSSI":60,"Signal":-70}}',
        means=("rssi_dbm=-70",),
    ),
    Sample(
        model="Athom plug, started",
        topic="plug-kitchen/INFO1",
        payload='{"Info1":{"Module":"Athom Plug V3","Version":"13.4.0(release-tasmota32)",'
        '"FallbackTopic":"cmnd/DVES_112233_fb/","GroupTopic":"cmnd/tasmotas/"}}',
        means=("inventory", "heard"),
    ),
    Sample(
        model="counter reset by hand, older firmware",
        topic="plug-kitchen/RESULT",
        payload='{"EnergyReset":{"Total":0.000,"Yesterday":0.000,"Today":0.000}}',
        means=("energy_total=0",),
        role="plug",
    ),
    Sample(
        model="pull cord on an input, let go",
        topic="cord/RESULT",
        payload='{"Switch1":{"Action":"OFF"}}',
        means=("sos_cancel",),
        role="sos_button",
    ),
    Sample(
        model="button held",
        topic="cord/RESULT",
        payload='{"Button1":{"Action":"HOLD"}}',
        means=("sos",),
        role="sos_button",
    ),
    Sample(model="last will", topic="plug-kitchen/LWT", payload="Offline", means=("offline",),
           retained=True),
    Sample(model="birth", topic="plug-kitchen/LWT", payload="Online", means=("online",),
           retained=True),
    Sample(
        model="Sonoff POW, firmware of 2017",
        topic="home214/ENERGY",
        payload='{"Time":"2026-04-12T13:05:16","Total":12.5,"Yesterday":1.999,"Today":0.25,'
        '"Power":40}',
        means=("energy_total=12.5", "power=40"),
        role="plug",
    ),
    Sample(
        model="door contact on an input",
        topic="door/SENSOR",
        payload='{"Time":"2026-04-12T13:58:15","Switch1":"ON"}',
        means=("door_open",),
        role="door_contact",
    ),
    Sample(
        model="thermometer in Fahrenheit",
        topic="room/SENSOR",
        payload='{"Time":"2026-04-12T13:58:15","DS18B20":{"Id":"0","Temperature":68},'
        '"TempUnit":"F"}',
        means=("temperature=20",),
    ),
    Sample(
        model="Zigbee bridge: water under the sink",
        topic="zb-hub/SENSOR",
        payload='{"ZbReceived":{"0x5ADF":{"Device":"0x5ADF","Name":"sink","Water":1,'
        '"BatteryPercentage":87,"Endpoint":1,"LinkQuality":82}}}',
        means=("leak", "battery_pct=87", "link_quality=82", "heard"),
        role="leak_sensor",
    ),
    Sample(
        model="Zigbee bridge: a zone that only gives its bits",
        topic="zb-hub/SENSOR",
        payload='{"ZbReceived":{"0x1A2B":{"Device":"0x1A2B","ZoneStatus":1,"LinkQuality":60}}}',
        means=("smoke", "link_quality=60", "heard"),
        role="smoke_detector",
    ),
    Sample(
        model="radio bridge: a pendant that was registered",
        topic="rf-bridge/RESULT",
        payload='{"Time":"2026-04-12T13:58:15","RfReceived":{"Sync":8130,"Low":270,'
        '"High":800,"Data":"0x6F1A08","RfKey":"None"}}',
        means=("sos", "heard"),
        role="sos_button",
    ),
    Sample(
        model="sent before it broke off",
        topic="home214/ENERGY",
        payload='{"Time":"2026-04-12T13:05:16", "Total":0.000, "Yesterday":1.9',
        means=("quarantined",),
    ),
)  # fmt: skip
