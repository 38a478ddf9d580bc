import type { TopLevelSpec } from "vega-lite";

/** Draws a Vega-Lite specification as SVG. The same data give the same text. */
export async function svg(spec: TopLevelSpec): Promise<string> {
    // Both wait for something at their top level, so they can't be required.
    const [{ parse, View }, { compile }] = await Promise.all([import("vega"), import("vega-lite")]);
    const view = new View(parse(compile({ background: "white", ...spec }).spec), { renderer: "none" });
    try {
        return `${(await view.toSVG()).replace(/<[^>]+>/g, shortened)}\n`;
    } finally {
        view.finalize();
    }
}

/** Coordinates with ten digits are half of the file. */
const shortened = (tag: string) => tag.replace(/\d+\.\d{2,}/g, (number) => `${Number(Number(number).toFixed(1))}`);
