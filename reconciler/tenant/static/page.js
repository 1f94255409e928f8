// What makes the page handier where scripts run; everything works without it.
"use strict";
