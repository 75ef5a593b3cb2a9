# SPDX-License-Identifier: Apache-2.0
"""Files of a machine on which every condition of level publish is met, with CPU 3 to measure on."""

import struct

CPU = 3
_FOLDER = "sys/devices/system/cpu"
FILES: dict[str, str] = {
    "proc/cpuinfo": "vendor_id\t: GenuineIntel\nmicrocode\t: 0x2b000571\nflags\t\t: fpu pku pks\n",
    "proc/stat": "cpu  100 0 100 5000 0 0 0 0 0 0\n",
    "proc/interrupts": "            CPU0       CPU3\n LOC:        900        100   Local timer\n",
    "proc/sys/kernel/tainted": "4096\n",  # an out-of-tree module
    "sys/class/dmi/id/product_name": "PowerEdge R760\n",
    "sys/class/dmi/id/sys_vendor": "Dell Inc.\n",
    f"{_FOLDER}/cpu3/cpufreq/scaling_governor": "performance\n",
    f"{_FOLDER}/intel_pstate/no_turbo": "1\n",
    f"{_FOLDER}/cpuidle/current_driver": "intel_idle\n",
    f"{_FOLDER}/cpu3/cpuidle/state0/name": "POLL\n",
    f"{_FOLDER}/cpu3/cpuidle/state0/latency": "0\n",
    f"{_FOLDER}/cpu3/cpuidle/state0/disable": "0\n",
    f"{_FOLDER}/cpu3/cpuidle/state1/name": "C6\n",
    f"{_FOLDER}/cpu3/cpuidle/state1/latency": "290\n",
    f"{_FOLDER}/cpu3/cpuidle/state1/disable": "1\n",
    f"{_FOLDER}/smt/active": "0\n",
    f"{_FOLDER}/cpu3/topology/thread_siblings_list": "3\n",
    f"{_FOLDER}/isolated": "3\n",
    f"{_FOLDER}/vulnerabilities/meltdown": "Not affected\n",
    f"{_FOLDER}/cpu3/microcode/version": "0x2b000571\n",
    f"{_FOLDER}/cpu3/thermal_throttle/core_throttle_count": "2\n",
    f"{_FOLDER}/cpu3/thermal_throttle/package_throttle_count": "5\n",
    "sys/class/hwmon/hwmon0/name": "coretemp\n",
    "sys/class/hwmon/hwmon0/temp1_input": "41000\n",
}
MSR = f"dev/cpu/{CPU}/msr"


def msr(smi_count: int) -> bytes:
    """The MSRs of the CPU, as far as the count of SMIs."""
    return bytes(0x34) + struct.pack("<Q", smi_count)
