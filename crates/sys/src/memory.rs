//! Keeping the C library's allocator small (mallopt(3), `malloc_trim(3)`).
//!
//! glibc gives threads arenas of their own, up to eight per CPU, and memory freed in one is not
//! used by another. Workers allocate only on cache misses, so one or two arenas do. Other C
//! libraries have nothing to tune here, and the functions do nothing.

/// Limits the allocator to `count` arenas. To be called before threads are started.
pub fn limit_allocator_arenas(count: u8) {
    #[cfg(target_env = "gnu")]
    // SAFETY: mallopt takes any integers; it changes only the allocator's own parameters.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, i32::from(count.max(1)));
    }
    #[cfg(not(target_env = "gnu"))]
    let _ = count;
}

/// Gives memory that is free but kept back to the kernel, for example after a reload.
pub fn release_unused_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: malloc_trim touches only memory that nobody holds, under the allocator's own locks.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tuning_leaves_allocated_memory_alone() {
        limit_allocator_arenas(1);
        let kept: Vec<u64> = (0..100_000).collect();
        drop((0..100_000).collect::<Vec<u64>>());
        release_unused_memory();
        assert_eq!(kept[99_999], 99_999);
    }
}
