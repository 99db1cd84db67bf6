import CKernels
import Testing

/// Panels of bfloat16 numbers that are packed from where their file has them.
@Suite("Packed bfloat16 numbers")
struct StoredPackingTests {
  /// A part of a matrix whose rows lie apart, and which begins where no vector would.
  struct Part: CustomTestStringConvertible, Sendable {
    let columns: Int
    let steps: Int
    /// Whether columns are rows of the matrix.
    let isTransposed: Bool

    var testDescription: String {
      "\(columns) \(isTransposed ? "rows" : "columns") of \(steps)"
    }

    private var stride: Int { (isTransposed ? steps : columns) + 5 }

    /// No two of them are equal: the factor is odd.
    private var elements: [UInt16] {
      (0...(isTransposed ? columns : steps) * stride).map {
        UInt16(truncatingIfNeeded: 40_503 &* ($0 + 7))
      }
    }

    /// The bits of a column's step; none where there is no such.
    func bits(_ column: Int, _ step: Int) -> UInt32 {
      guard column < columns, step < steps else { return 0 }
      return UInt32(elements[1 + (isTransposed ? column * stride + step : step * stride + column)])
    }

    /// The part, packed by a kernel.
    func packed<Item>(
      _ count: Int, _ spare: Item,
      _ pack: (UnsafePointer<UInt16>, Int, Int, Int, UnsafeMutablePointer<Item>) -> Void
    ) -> [Item] {
      var panel = [Item](repeating: spare, count: count)
      unsafe elements.withUnsafeBufferPointer { elements in
        guard let start = elements.baseAddress else { return }
        unsafe pack(start + 1, stride, columns, steps, &panel)
      }
      return panel
    }
  }

  static let parts = [(48, 96), (48, 33), (32, 64), (32, 40), (17, 31), (1, 1), (33, 3)]
    .flatMap { columns, steps in
      [false, true].map { Part(columns: columns, steps: steps, isTransposed: $0) }
    }

  @Test("are the upper halves of floats", arguments: parts)
  func floats(part: Part) {
    let width = Int(CK_TILE_COLUMNS)
    let panel = unsafe part.packed(
      part.steps * width, Float(9),
      part.isTransposed ? ck_pack_stored_right_transposed_f32 : ck_pack_stored_right_f32)
    for (index, item) in panel.enumerated() {
      #expect(item.bitPattern == part.bits(index % width, index / width) << 16)
    }
  }

  @Test("are pairs, the earlier one in the lower half", arguments: parts)
  func pairs(part: Part) {
    let width = Int(CK_TILE_COLUMNS)
    let panel = unsafe part.packed(
      (part.steps + 1) / 2 * width, UInt32(9),
      part.isTransposed ? ck_pack_stored_right_transposed_bf16 : ck_pack_stored_right_bf16)
    expectPairs(panel, of: part, width: width)
  }

  @Test(
    "are pairs in tiles, which end with zeros",
    arguments: parts.filter { $0.columns <= Int(CK_AMX_COLUMNS) })
  func tiles(part: Part) {
    let (width, length) = (Int(CK_AMX_COLUMNS), Int(CK_AMX_STEPS))
    let panel = unsafe part.packed(
      (part.steps + length - 1) / length * length / 2 * width, UInt32(9),
      part.isTransposed ? ck_pack_stored_right_transposed_amx : ck_pack_stored_right_amx)
    expectPairs(panel, of: part, width: width)
  }

  private func expectPairs(_ panel: [UInt32], of part: Part, width: Int) {
    for (index, item) in panel.enumerated() {
      let (column, step) = (index % width, index / width * 2)
      #expect(item == part.bits(column, step) | part.bits(column, step + 1) << 16)
    }
  }
}
