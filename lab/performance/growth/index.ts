import { workloads } from "./workloads";

workloads(Number(process.env.WORKLOADS), process.env.NAMESPACE as string);
