"""What Zigbee2MQTT bridges send, one message a habit that cost somebody an alarm."""

from __future__ import annotations

from devices.family import Sample

SAMPLES = (
    Sample(
        model="Heiman HS1SA",
        topic="0x00124b0024a1c7d3",
        payload='{"battery":88,"linkquality":61,"enrolled":true,"smoke":true,"battery_low":false}',
        means=("smoke", "battery_ok", "battery_pct=88", "link_quality=61"),
        role="smoke_detector",
    ),
    Sample(
        model="Heiman HS1SA, device information included",
        topic="Flur Rauch",
        payload='{"smoke":false,"device":{"ieeeAddr":"0x00124B0024A1C7D3","type":"EndDevice"}}',
        means=("smoke_clear",),
        role="smoke_detector",
    ),
    Sample(
        model="Aqara JY-GZ-01AQ, latched: nothing burns any more, it stays true until reset",
        topic="厨房 烟感",
        payload='{"smoke":true,"smoke_density":0,"buzzer_manual_mute":true,"test":false,'
        '"last_seen":"2026-02-03T09:41:07+08:00","voltage":3010,"battery":97,'
        '"update":{"state":"idle"}}',
        means=("smoke", "smoke_density=0", "battery_pct=97"),
        role="smoke_detector",
    ),
    Sample(
        model="Bosch Twinguard after a restart: null is not known yet, not clear",
        topic="rooms/bed room/alarm",
        payload='{"alarm":null,"battery":null,"co2":null,"smoke":null,"temperature":null}',
        means=("heard",),
        role="smoke_detector",
    ),
    Sample(
        model="Bosch Twinguard after a restart: a false that nobody measured",
        topic="rooms/bed room/alarm",
        payload='{"alarm":null,"battery":null,"heartbeat":"ON","siren_state":"clear",'
        '"smoke":false}',
        means=("heard",),
        role="smoke_detector",
    ),
    Sample(
        model="smoke detector whose converter broke",
        topic="attic",
        payload='{"smoke":{"zone":1},"battery_low":true}',
        means=("battery_low", "quarantined"),
        role="smoke_detector",
    ),
    Sample(
        model="carbon monoxide beside methane",
        topic="boiler",
        payload='{"gas":false,"carbon_monoxide":true,"tamper":false}',
        means=("gas", "tamper_clear"),
        role="gas_detector",
    ),
    Sample(
        model="Tuya TS0601_sos",
        topic="0xa4c138f0e1d2c3b4",
        payload='{"action":"emergency","battery":71,"last_seen":1767229200123}',
        means=("sos", "battery_pct=71"),
    ),
    Sample(
        model="Tuya TS0601_sos, cached action",
        topic="0xa4c138f0e1d2c3b4",
        payload='{"action":null,"linkquality":30}',
        means=("link_quality=30",),
        role="sos_button",
    ),
    Sample(
        model="Tuya TS0215A, the empty action that follows every press",
        topic="0xa4c138f0e1d2c3b5",
        payload='{"action":"","battery":null}',
        means=("heard",),
        role="sos_button",
    ),
    Sample(
        model="Tuya TS0215A, the same press as plain text",
        topic="奶奶 床头/action",
        payload="sos",
        means=("sos",),
        role="sos_button",
    ),
    Sample(
        model="Tuya zone that keeps SOS as a state",
        topic="call",
        payload='{"sos":true,"battery_low":true}',
        means=("sos", "battery_low"),
    ),
    Sample(
        model="Sonoff SNZB-01P set up as an SOS button",
        topic="bedside",
        payload='{"action":"double","battery":100,"voltage":3000}',
        means=("sos", "battery_pct=100"),
        role="sos_button",
    ),
    Sample(
        model="Sonoff SNZB-01P that switches a lamp",
        topic="lamp switch",
        payload='{"action":"single"}',
        means=("button",),
    ),
    Sample(
        model="four-key remote: going out is no call for help",
        topic="remote",
        payload='{"action":"arm_all_zones"}',
        means=("button",),
        role="sos_button",
    ),
    Sample(
        model="Tuya MIR-HE200-TY fall radar",
        topic="bathroom radar",
        payload='{"presence":true,"fall_down_status":"fall"}',
        means=("fall", "motion"),
        role="fall_detector",
    ),
    Sample(
        model="Tuya TS011F plug",
        topic="tv",
        payload='{"energy":41.07,"power":"86.5","voltage":231,"current":0.39,"state":"ON"}',
        means=("energy_total=41.07", "power=86.5", "voltage=231", "current=0.39"),
        role="plug",
    ),
    Sample(
        model="plug, attribute mode",
        topic="tv/energy",
        payload="41.07",
        means=("energy_total=41.07",),
    ),
    Sample(model="detector, attribute mode", topic="hall/smoke", payload="true", means=("smoke",)),
    Sample(
        model="any, attribute mode", topic="hall/update-state", payload="idle", means=("heard",)
    ),
    Sample(
        model="water meter",
        topic="meter",
        payload='{"water_consumed":318.204,"flow":0.12,"temperature":17.5}',
        means=("water_total=318.204", "water_flow=0.12", "temperature=17.5"),
        role="water_meter",
    ),
    Sample(model="leak sensor", topic="under sink", payload='{"water_leak":true}', means=("leak",)),
    Sample(
        model="door contact", topic="front door", payload='{"contact":false}', means=("door_open",)
    ),
    Sample(
        model="motion sensor", topic="corridor", payload='{"occupancy":false}', means=("no_motion",)
    ),
    Sample(
        model="version 1",
        topic="corridor/availability",
        payload="offline",
        means=("offline",),
        retained=True,
    ),
    Sample(
        model="version 2",
        topic="corridor/availability",
        payload='{"state":"online"}',
        means=("online",),
        retained=True,
    ),
    Sample(
        model="bridge, version 1",
        topic="bridge/state",
        payload="online",
        means=("online",),
        retained=True,
    ),
    Sample(
        model="bridge, version 2",
        topic="bridge/state",
        payload='{"state":"offline"}',
        means=("offline",),
        retained=True,
    ),
    Sample(
        model="bridge: somebody took the battery out, or the button left by itself",
        topic="bridge/event",
        payload='{"type":"device_leave","data":{"ieee_address":"0xa4c138f0e1d2c3b4",'
        '"friendly_name":"bedside"}}',
        means=("fault",),
    ),
    Sample(
        model="bridge: a device is back",
        topic="bridge/event",
        payload='{"type":"device_announce","data":{"ieee_address":"0xa4c138f0e1d2c3b4"}}',
        means=("heard",),
    ),
    Sample(
        model="bridge: inventory",
        topic="bridge/devices",
        payload='[{"ieee_address":"0x00124b001a2b3c4d","type":"Coordinator",'
        '"friendly_name":"Coordinator","definition":null},'
        '{"ieee_address":"0x00124b0024a1c7d3","type":"EndDevice","friendly_name":"Flur Rauch",'
        '"definition":{"model":"HS1SA","vendor":"Heiman",'
        '"exposes":[{"property":"smoke"},{"property":"battery","unit":"%"}]}}]',
        means=("inventory",),
        retained=True,
    ),
    Sample(
        model="bridge: it joined again",
        topic="bridge/event",
        payload='{"type":"device_joined","data":{"friendly_name":"bedside",'
        '"ieee_address":"0xa4c138f0e1d2c3b4"}}',
        means=("fault_clear",),
    ),
    Sample(
        model="bridge: a button that was paired and will never tell of a press",
        topic="bridge/event",
        payload='{"type":"device_interview","data":{"friendly_name":"bedside","status":"failed",'
        '"ieee_address":"0xa4c138f0e1d2c3b4"}}',
        means=("fault",),
    ),
    Sample(
        model="bridge: groups",
        topic="bridge/groups",
        payload='[{"friendly_name":"all lamps","id":3,"members":[],"scenes":[]}]',
        means=("inventory",),
        retained=True,
    ),
    Sample(
        model="Tuya TS011F double socket",
        topic="kitchen strip",
        payload='{"energy_l1":12.5,"energy_l2":3.25,"power_l1":40,"power_l2":null,"voltage":229}',
        means=(
            "voltage=229",
            "energy_total_l1=12.5",
            "energy_total_l2=3.25",
            "power_l1=40",
            "energy_total=15.75",
        ),
        role="plug",
    ),
    Sample(
        model="RTX ZVG1 water valve: null is not zero",
        topic="valve",
        payload='{"battery":50,"state":"ON","timer_time_left":41,"water_consumed":null}',
        means=("battery_pct=50",),
    ),
    Sample(
        model="bridge: log",
        topic="bridge/logging",
        payload='{"level":"info","message":"hello"}',
        means=(),
    ),
    Sample(model="another program's command", topic="tv/set", payload='{"state":"OFF"}', means=()),
    Sample(
        model="state cut off",
        topic="bedside",
        payload='{"action":"sin',
        means=("quarantined",),
        role="sos_button",
    ),
)
