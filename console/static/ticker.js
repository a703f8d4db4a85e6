// A worker of one line: see everySecond() in clock.js.
setInterval(() => postMessage(0), 1000);
