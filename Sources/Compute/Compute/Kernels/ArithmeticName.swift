internal import COpenBLAS
internal import Elements

/// What decides the last bits of products and sums, besides the program itself.
public enum Arithmetic {
  /// The version and kernels of OpenBLAS, or that there is none, the processor's level, which says what this
  /// program's own loops use, and the kernels of products with stored weights: `OpenBLAS 0.3.21 Haswell,
  /// x86-64-v3, weights AVX2 float32`. Where passes of transformers run on a device it names that, too: `, transformers on PyTorch
  /// 2.13.0+cpu, cpu, 2 threads, float32`.
  public static var name: String {
    "\(dense), weights \(ProductSettings.shared.kernels)"
      + (TransformerEngine.name.map { ", transformers on \($0)" } ?? "")
  }

  /// Raised with every change of this program that knowingly changes the bits of a result: of a kernel, of an
  /// order of sums, of a network. Results that earlier runs kept on disk are then not found again.
  public static let revision = 3

  /// The same for work that takes no products with stored weights.
  public static let dense =
    (OpenBLAS.isThere ? "OpenBLAS \(version) \(core)" : "no OpenBLAS") + ", \(cpuLevel)"

  /// OpenBLAS's name of the processors that its kernels were chosen for; empty where it isn't there.
  package static let core = unsafe OpenBLAS.isThere ? String(cString: ob_core_name()) : ""

  /// OpenBLAS's version: the second word of its configuration; empty where it isn't there.
  package static let version: String = {
    guard OpenBLAS.isThere else { return "" }
    let words = unsafe String(cString: ob_configuration()).split(separator: " ")
    return words.count > 1 ? String(words[1]) : ""
  }()
}
