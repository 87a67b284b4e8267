/** A thread that simulates one swarm and ends. */
import { parentPort, workerData } from 'node:worker_threads'
import { simulate, type Simulation } from './swarm-scenarios.js'

parentPort?.postMessage(simulate(workerData as Simulation))
