import { workloads } from "./workloads";

workloads(Number(process.env.WORKLOADS));
