/** Starts analytics in this process. */
import { runService } from '@lead-flood/service';
import { service } from './topology.ts';

await runService(service);
