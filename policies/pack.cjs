require("../register.cjs");
require("./index.ts");
