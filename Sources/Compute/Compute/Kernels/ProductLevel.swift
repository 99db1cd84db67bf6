internal import CKernels

/// Which instructions compute products; see `ck_product_level`.
package enum ProductLevel: UInt32, Sendable, CaseIterable {
  /// What any processor of the architecture has.
  case plain
  /// AVX2 with fused products.
  case avx2
  /// AVX-512 with fused products.
  case avx512
  /// The same, with products of pairs of bfloat16 numbers.
  case avx512BF16
  /// The same, with tiles of AMX.
  case amx
  /// What AMX computes, on any processor and slowly: for tests.
  case emulatedAMX

  /// The best one of this processor.
  package static var best: ProductLevel {
    ProductLevel(rawValue: ck_best_product_level().rawValue) ?? .plain
  }

  /// Those of this processor; what is emulated comes after the best of any.
  package static var available: [ProductLevel] { allCases.filter { $0.rawValue <= best.rawValue } }

  /// Whether products are computed in tiles of AMX where these take the operands.
  var hasTiles: Bool { self == .amx || self == .emulatedAMX }

  /// Whether bfloat16 numbers are multiplied in pairs, which tiles need; else as floats that were rounded.
  ///
  /// An instruction for pairs, which AMD's Zen 4 takes as often as one for floats, an Emerald Rapids takes so
  /// seldom that floats are 1.7 times as fast: 138 against 81 GFLOP/s a CPU second (`glance-bench gemm --rows
  /// 256`). Without such an instruction pairs are taken apart for every product.
  package var takesPairs: Bool { hasTiles || self == .avx512BF16 && ck_pairs_are_fast() != 0 }

  /// As the kernels have it.
  var kernels: ck_product_level { ck_product_level(rawValue: rawValue) }
}
