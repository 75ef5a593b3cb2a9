// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who reaches pages of user space by a function of the kernel that no system call of a guest
 * leads to: bench/pks/pks_callers.cc has those that one does
 *
 * Each fails without the patch of the series that it names: lab/tests/support/pks_mutations.py
 * takes it back.
 */
#include <linux/dma-mapping.h>
#include <linux/etherdevice.h>
#include <linux/platform_device.h>
#include <linux/scatterlist.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/swiotlb.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include "pks_test.h"

#define ENTRIES		3
#define FIRST_OFFSET	100

/* Two pieces of the protected pages, and one of memory between them. */
static void make_list(struct scatterlist *list, struct page *memory)
{
	sg_init_table(list, ENTRIES);
	sg_set_page(&list[0], page, PAGE_SIZE - FIRST_OFFSET, FIRST_OFFSET);
	sg_set_page(&list[1], memory, PAGE_SIZE, 0);
	sg_set_page(&list[2], page + 1, 2 * PAGE_SIZE, 0);
}

/* Fills, or compares: a byte of its own for each page. */
static bool walk(struct scatterlist *list, unsigned int flags, bool fill)
{
	struct sg_mapping_iter iter;
	bool right = true;
	int pages = 0;

	sg_miter_start(&iter, list, ENTRIES, flags);
	while (sg_miter_next(&iter)) {
		pages++;
		/* At a closed page the rest would be an oops. */
		if (!readable(iter.addr)) {
			right = false;
			break;
		}
		if (fill)
			memset(iter.addr, pages, iter.length);
		else
			right &= !memchr_inv(iter.addr, pages, iter.length);
		right &= page_access_protected(iter.page) ? open(1) : register_closed();
	}
	sg_miter_stop(&iter);
	return right && pages == ENTRIES + 1 && closed();
}

/* Patch 5, and for SG_MITER_ATOMIC kmap_atomic() itself. */
void test_sg_miter(void)
{
	struct scatterlist list[ENTRIES];
	struct page *memory = alloc_page(GFP_KERNEL);

	expect(memory);
	if (!memory)
		return;
	make_list(list, memory);
	expect(walk(list, SG_MITER_LOCAL | SG_MITER_TO_SG, true));
	expect(walk(list, SG_MITER_LOCAL | SG_MITER_FROM_SG, false));
	expect(walk(list, SG_MITER_ATOMIC | SG_MITER_FROM_SG, false));
	__free_page(memory);
}

/* Copies of a list, as drivers do it who cannot reach its pages themselves. */
void test_sg_copy(void)
{
	struct scatterlist list[ENTRIES];
	struct page *memory = alloc_page(GFP_KERNEL);
	const size_t size = 4 * PAGE_SIZE - FIRST_OFFSET;
	u8 *from = kmalloc(size, GFP_KERNEL), *to = kzalloc(size, GFP_KERNEL);
	size_t i;

	if (!memory || !from || !to) {
		expect(memory && from && to);
		goto out;
	}
	for (i = 0; i < size; i++)
		from[i] = i ^ (i >> 8);
	make_list(list, memory);
	expect(sg_copy_from_buffer(list, ENTRIES, from, size) == size);
	expect(closed());
	expect(sg_copy_to_buffer(list, ENTRIES, to, size) == size);
	expect(closed());
	expect(!memcmp(from, to, size));
out:
	kfree(to);
	kfree(from);
	if (memory)
		__free_page(memory);
}

/* The content of the pages from an offset on, through a bracket. */
static bool pages_have(unsigned int offset, const u8 *expected, size_t size)
{
	bool same = true;
	size_t i;

	for (i = 0; i < size && same; i++) {
		size_t at = offset + i;
		u8 *mapped = kmap_local_page(page + (at >> PAGE_SHIFT));

		same = mapped[offset_in_page(at)] == expected[i];
		kunmap_local(mapped);
	}
	return same;
}

#define BOUNCED		(PAGE_SIZE + 200)
#define BOUNCED_AT	(PAGE_SIZE - 50)	/* in the first of three pages */

/* What the device has is a copy, in memory, which it changes. */
static void bounce(struct device *device, u8 *data)
{
	dma_addr_t bus = dma_map_page(device, page, BOUNCED_AT, BOUNCED, DMA_BIDIRECTIONAL);
	u8 *buffer;
	size_t i;

	expect(!dma_mapping_error(device, bus));
	if (dma_mapping_error(device, bus))
		return;
	expect(closed());
	expect(bus < page_to_phys(page) || bus > page_to_phys(page + 2));
	buffer = phys_to_virt(bus);
	expect(!memcmp(buffer, data, BOUNCED));
	for (i = 0; i < BOUNCED; i++)
		data[i] = ~data[i];
	memcpy(buffer, data, BOUNCED);
	dma_unmap_page(device, bus, BOUNCED, DMA_BIDIRECTIONAL);
	expect(closed());
	expect(pages_have(BOUNCED_AT, data, BOUNCED));
}

/* Patch 27. The kernel has to be told to copy what each device gets: swiotlb=force. */
void test_swiotlb(void)
{
	struct platform_device *device = platform_device_register_simple("pks_test", -1, NULL, 0);
	struct scatterlist list[2];
	u8 *data;
	size_t i;

	expect(!IS_ERR(device));
	if (IS_ERR(device))
		return;
	if (!is_swiotlb_force_bounce(&device->dev)) {
		skip("devices reach all pages");
		goto unregister;
	}
	data = kmalloc(BOUNCED, GFP_KERNEL);
	if (!data || dma_set_mask_and_coherent(&device->dev, DMA_BIT_MASK(64))) {
		expect(!"memory, and a device for DMA");
		goto out;
	}
	for (i = 0; i < BOUNCED; i++)
		data[i] = i ^ (i >> 8);
	sg_init_table(list, 2);
	sg_set_page(&list[0], page, PAGE_SIZE - BOUNCED_AT, BOUNCED_AT);
	sg_set_page(&list[1], page + 1, BOUNCED - list[0].length, 0);
	expect(sg_copy_from_buffer(list, 2, data, BOUNCED) == BOUNCED);
	bounce(&device->dev, data);
out:
	kfree(data);
unregister:
	platform_device_unregister(device);
}

/* Patch 28: whoever asks has another way if there is no address. */
void test_skb_frag(void)
{
	struct page *memory = alloc_page(GFP_KERNEL);
	skb_frag_t frag;

	expect(memory);
	if (!memory)
		return;
	skb_frag_fill_page_desc(&frag, page, FIRST_OFFSET, 200);
	expect(!skb_frag_address_safe(&frag));
	skb_frag_fill_page_desc(&frag, memory, FIRST_OFFSET, 200);
	expect(skb_frag_address_safe(&frag) == page_address(memory) + FIRST_OFFSET);
	expect(closed());
	__free_page(memory);
}

/*
 * Patch 17 of 6.12: what is unmapped is in the page that was mapped. Nothing of it is protected:
 * DEBUG_VM warns. Linux 7.3 has another function, which was right.
 */
void test_large_folio(void)
{
	size_t (*copy)(struct page *to, size_t offset, size_t bytes, struct iov_iter *from) =
		find_function("copy_page_from_iter_atomic");
	char bytes[] = "in the second page";
	struct kvec vec = { .iov_base = bytes, .iov_len = sizeof(bytes) };
	struct page *large;
	struct iov_iter from;

	if (!copy)
		return skip("this kernel has no such function");
	large = alloc_pages(GFP_KERNEL | __GFP_COMP, 1);
	expect(large);
	if (!large)
		return;
	iov_iter_kvec(&from, ITER_SOURCE, &vec, 1, sizeof(bytes));
	expect(copy(large, PAGE_SIZE, sizeof(bytes), &from) == sizeof(bytes));
	expect(!memcmp(page_address(large) + PAGE_SIZE, bytes, sizeof(bytes)));
	expect(closed());
	__free_pages(large, 1);
}

#ifdef CONFIG_INET
static struct sk_buff *received;

static int receive(struct napi_struct *napi, int budget)
{
	napi_gro_receive(napi, received);
	napi_complete_done(napi, 1);
	return 1;
}

/*
 * Patch 28, 33 of 7.3: a packet from a tunnel, whose inner headers are at the start of a page that
 * a user has spliced. GRO looks for them, and finds a protocol that nobody knows.
 */
void test_gro(void)
{
	struct net_device *device = alloc_netdev_dummy(0);
	struct napi_struct *napi = kzalloc(sizeof(*napi), GFP_KERNEL);
	long strays = stray_accesses();

	received = alloc_skb(SKB_WITH_OVERHEAD(PAGE_SIZE), GFP_KERNEL);
	expect(device && napi && received);
	if (!device || !napi || !received)
		goto out;
	device->features |= NETIF_F_GRO;
	page_ref_add(page, 2);	/* nobody has it: the packet's is not to be the last one */
	skb_fill_page_desc(received, 0, page, FIRST_OFFSET, ETH_HLEN + ETH_ZLEN);
	received->len += ETH_HLEN + ETH_ZLEN;
	received->data_len += ETH_HLEN + ETH_ZLEN;
	received->truesize += PAGE_SIZE;
	received->dev = device;
	received->protocol = htons(ETH_P_TEB);
	skb_reset_mac_header(received);

	netif_napi_add(device, napi, receive);
	napi_enable(napi);
	local_bh_disable();
	napi_schedule(napi);
	local_bh_enable();
	napi_disable(napi);	/* which waits for it */
	netif_napi_del(napi);
	page_ref_dec(page);
	received = NULL;
	expect(register_closed());
	expect(stray_accesses() == strays);
out:
	kfree_skb(received);
	kfree(napi);
	if (device)
		free_netdev(device);
}
#else
void test_gro(void)
{
	skip("this kernel has no network");
}
#endif

/*
 * Patch 27 of 7.3: BPF programs may look for a character from any address on. The last byte below
 * the region is none that ends a string.
 */
void test_string_of_bpf(void)
{
	int (*find)(const char *string, size_t most, char wanted) = find_function("bpf_strnchr");
	char *last = __va(region->start) - 1;
	long strays = stray_accesses();
	char *below;

	if (!find)
		return skip("this kernel has no such function");
	below = take_page_below_region();
	expect(below);
	if (!below)
		return;
	WRITE_ONCE(*last, 'a');
	expect(find(last, PAGE_SIZE, 'b') == -EFAULT);
	expect(find(last, PAGE_SIZE, 'a') == 0);
	expect(register_closed());
	expect(stray_accesses() == strays);
}
