/** `npm run docs`: builds a site of the documents. docs/.vitepress/config.ts has its configuration and its checks. */

import { join } from "node:path";
import { exitCode, script, start } from "../cli/command";
import { inForeground } from "../cli/foreground";
import { clone } from "../toolchain/places";

interface Options {
    readonly serve?: true;
}

const docs = ({ serve }: Options): Promise<number> =>
    inForeground(join(clone, "node_modules", ".bin", "vitepress"), [serve ? "dev" : "build", "docs"], { cwd: clone });

start(
    script("docs", "Builds a site of the documents in docs/.vitepress/build/site, and checks its links.")
        .option("--serve", "show the site on this machine instead, and follow changes of the documents")
        .action(exitCode(docs)),
);
