import { runService } from '@lead-flood/service';
import { service } from './topology.ts';

await runService(service);
