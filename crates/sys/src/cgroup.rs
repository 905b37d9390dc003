//! The CPU time that control groups grant, in CPUs, rounded up.
//!
//! Version 2 (`Documentation/admin-guide/cgroup-v2.rst`): `cpu.max` holds "quota period" or "max
//! period". Version 1 (`Documentation/scheduler/sched-bwc.rst`): `cpu.cfs_quota_us` (-1 for none)
//! and `cpu.cfs_period_us` in the hierarchy of the `cpu` controller. A limit holds for everything
//! below it, so the smallest on the way up to the root counts.

use std::fs;
use std::path::{Path, PathBuf};

/// The quota of this process, with `/proc` and the mounts looked up under `root`.
pub(crate) fn quota(root: &Path) -> Option<usize> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
    let mounts = fs::read_to_string(root.join("proc/self/mountinfo")).ok()?;
    let unified = groups
        .lines()
        .filter_map(|line| line.strip_prefix("0::"))
        .filter_map(|group| smallest(root, &find_mount(&mounts, group, Hierarchy::Unified)?, v2));
    let legacy = groups
        .lines()
        .filter_map(legacy_cpu_group)
        .filter_map(|group| smallest(root, &find_mount(&mounts, group, Hierarchy::Cpu)?, v1));
    unified.chain(legacy).min()
}

/// Where a group is found: the mount point and the path of the group below it.
struct Place {
    mount: PathBuf,
    group: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Hierarchy {
    Unified,
    Cpu,
}

/// The group in a version 1 line such as `4:cpu,cpuacct:/docker/abc`.
fn legacy_cpu_group(line: &str) -> Option<&str> {
    let mut fields = line.splitn(3, ':').skip(1);
    let controllers = fields.next()?;
    let group = fields.next()?;
    controllers
        .split(',')
        .any(|controller| controller == "cpu")
        .then_some(group)
}

/// The mount of a hierarchy that shows `group` (`proc_pid_mountinfo(5)`: root is field 4, mount
/// point field 5; after " - " come type, source and options).
///
/// Inside a container the mount's root is often the container's own group while the path in
/// `/proc/self/cgroup` is that of the host; what the mount does not show is taken as its top.
fn find_mount(mounts: &str, group: &str, hierarchy: Hierarchy) -> Option<Place> {
    mounts.lines().find_map(|line| {
        let (mount, kind) = line.split_once(" - ")?;
        let mut kind = kind.split(' ');
        let wanted = match (hierarchy, kind.next()?) {
            (Hierarchy::Unified, "cgroup2") => true,
            (Hierarchy::Cpu, "cgroup") => kind.nth(1)?.split(',').any(|option| option == "cpu"),
            _ => false,
        };
        let mut fields = mount.split(' ').skip(3);
        let root = fields.next()?;
        let point = fields.next()?;
        let below = Path::new(group).strip_prefix(root).unwrap_or(Path::new(""));
        let below = if below.components().any(|part| part.as_os_str() == "..") {
            Path::new("")
        } else {
            below
        };
        wanted.then(|| Place {
            mount: PathBuf::from(point.trim_start_matches('/')),
            group: below.to_path_buf(),
        })
    })
}

/// The smallest limit from the group up to the mount point.
fn smallest(root: &Path, place: &Place, read: fn(&Path) -> Option<usize>) -> Option<usize> {
    let mount = root.join(&place.mount);
    place
        .group
        .ancestors()
        .filter_map(|group| read(&mount.join(group)))
        .min()
}

fn v2(directory: &Path) -> Option<usize> {
    let text = fs::read_to_string(directory.join("cpu.max")).ok()?;
    let (quota, period) = text.trim().split_once(' ')?;
    ratio(quota, period)
}

fn v1(directory: &Path) -> Option<usize> {
    let quota = fs::read_to_string(directory.join("cpu.cfs_quota_us")).ok()?;
    let period = fs::read_to_string(directory.join("cpu.cfs_period_us")).ok()?;
    ratio(quota.trim(), period.trim())
}

/// Quota over period, rounded up; none for "max" and "-1".
fn ratio(quota: &str, period: &str) -> Option<usize> {
    let quota: usize = quota.parse().ok()?;
    let period: usize = period.parse().ok().filter(|period| *period > 0)?;
    Some(quota.div_ceil(period).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory that looks like `/` and is gone afterwards.
    struct Root(PathBuf);

    impl Root {
        fn new(name: &str, files: &[(&str, &str)]) -> Self {
            let directory =
                std::env::temp_dir().join(format!("nodens-cgroup-{name}-{}", std::process::id()));
            for (path, text) in files {
                let path = directory.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            Self(directory)
        }
    }

    impl Drop for Root {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    const V2_MOUNT: &str = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n";

    #[test]
    fn the_smallest_quota_on_the_way_up_counts_and_is_rounded_up() {
        let root = Root::new(
            "v2",
            &[
                ("proc/self/cgroup", "0::/kubepods/pod1/container\n"),
                ("proc/self/mountinfo", V2_MOUNT),
                ("sys/fs/cgroup/kubepods/cpu.max", "800000 100000\n"),
                ("sys/fs/cgroup/kubepods/pod1/cpu.max", "150000 100000\n"),
                (
                    "sys/fs/cgroup/kubepods/pod1/container/cpu.max",
                    "max 100000\n",
                ),
            ],
        );
        assert_eq!(quota(&root.0), Some(2));
    }

    #[test]
    fn in_a_cgroup_namespace_the_mount_is_the_group() {
        let root = Root::new(
            "namespace",
            &[
                ("proc/self/cgroup", "0::/\n"),
                ("proc/self/mountinfo", V2_MOUNT),
                ("sys/fs/cgroup/cpu.max", "10000 100000\n"),
            ],
        );
        assert_eq!(quota(&root.0), Some(1));
    }

    #[test]
    fn version_one_is_read_from_the_cpu_hierarchy() {
        let root = Root::new(
            "v1",
            &[
                (
                    "proc/self/cgroup",
                    "5:memory:/docker/a\n4:cpu,cpuacct:/docker/a\n0::/\n",
                ),
                (
                    "proc/self/mountinfo",
                    "31 23 0:27 /docker/a /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
                     32 23 0:28 /docker/a /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n",
                ),
                ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "250000\n"),
                ("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"),
            ],
        );
        assert_eq!(quota(&root.0), Some(3));
    }

    #[test]
    fn no_limit_is_no_quota() {
        let root = Root::new(
            "none",
            &[
                ("proc/self/cgroup", "0::/system.slice\n"),
                ("proc/self/mountinfo", V2_MOUNT),
                ("sys/fs/cgroup/system.slice/cpu.max", "max 100000\n"),
            ],
        );
        assert_eq!(quota(&root.0), None);
        assert_eq!(ratio("-1", "100000"), None);
        assert_eq!(ratio("1", "0"), None);
        assert_eq!(quota(Path::new("/nonexistent")), None);
    }
}
