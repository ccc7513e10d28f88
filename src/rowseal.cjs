#!/usr/bin/env node
/** What a package's `rowseal` runs, and what a clone may run: main, unless Node is too old to read it. */
'use strict';

require('./old-node.cjs');

const { existsSync } = require('node:fs');

// Compiled in a package, as written in a clone.
import(existsSync(`${__dirname}/main.js`) ? './main.js' : './main.ts');
