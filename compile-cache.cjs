// Keeps compiled code between runs, from Node 22 on: loading the SDK is most of a preview's start.
require("node:module").enableCompileCache?.();
