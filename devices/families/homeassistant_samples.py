"""Announcements on Home Assistant's discovery topics."""

from __future__ import annotations

from devices.family import Sample

SAMPLES = (
    Sample(
        model="smoke detector announced by Zigbee2MQTT",
        topic="binary_sensor/0x00124b0024a1c7d3/smoke/config",
        payload='{"device":{"identifiers":["zigbee2mqtt_0x00124b0024a1c7d3"],"manufacturer":'
        '"Heiman","model":"HS1SA","name":"Flur Rauch"},"device_class":"smoke",'
        '"state_topic":"zigbee2mqtt/Flur Rauch","unique_id":"0x00124b0024a1c7d3_smoke",'
        '"value_template":"{{ value_json.smoke }}"}',
        means=("inventory",),
        retained=True,
    ),
    Sample(
        model="leak sensor, names abbreviated",
        topic="binary_sensor/leak7/config",
        payload='{"~":"home/leak7","dev":{"ids":"leak7","mf":"x","mdl":"y"},"dev_cla":"moisture",'
        '"stat_t":"~/state","uniq_id":"leak7_water"}',
        means=("inventory",),
        retained=True,
    ),
    Sample(
        model="a device that announces everything at once",
        topic="device/btn-9/config",
        payload='{"dev":{"ids":["btn-9"],"name":"床头按钮"},"o":{"name":"z"},"cmps":{'
        '"a":{"p":"event","dev_cla":"button"},"b":{"p":"sensor","dev_cla":"battery"}}}',
        means=("inventory",),
        retained=True,
    ),
    Sample(model="Home Assistant's birth", topic="status", payload="online", means=()),
    Sample(
        model="announcement that names nothing",
        topic="sensor/x/config",
        payload='{"name":"x"}',
        means=("quarantined",),
    ),
)
