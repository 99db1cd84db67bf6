package import Elements
internal import Formats
internal import JSON
package import Tensors

/// A form of storage that outputs may have: codes, and what they are multiplied by in tensors beside them.
public struct WrittenForm: Sendable {
  /// Short name, as options take it: `nvfp4`.
  public let name: String
  /// Name for people.
  public let title: String
  /// How numbers become codes and factors.
  package let quantizer: Quantizer
  /// What a layer's note calls it.
  package let format: String
  /// The type that files have codes in.
  package let dtype: DType
  /// The factors, what each tensor's stand for, and their type.
  package let factors: [(rule: ScaleRule, dtype: DType)]
  /// What rows and columns of a weight must be multiples of for the programs that read it.
  package let multiples: (rows: Int, columns: Int)
  /// Elements of a row that one element of ``dtype`` holds.
  private let elementsPerCode: Int

  /// What is written in a form; nil for one that is only read.
  init?(
    _ entry: JSONValue, _ form: StoredForm, dtypes: [DType],
    needs: [(name: String, dtypes: [DType])]
  ) {
    guard let write = entry["write"] else { return nil }
    name = form.name
    title = form.title
    let multiples = write["multiples"]?.array?.compactMap(\.integer) ?? []
    let factors = form.scales.map(\.rule).map { rule in
      needs.first { $0.name == rule.name }?.dtypes.first.map { (rule: rule, dtype: $0) }
    }
    guard let quantizer = Quantizer(rawValue: write.text("quantizer")), multiples.count == 2,
      let format = entry["note"]?["format"]?.string, let dtype = dtypes.first,
      factors.allSatisfy({ $0 != nil && ($0?.rule.tile == nil || $0?.rule.order == .blocked) })
    else { preconditionFailure("formats/stored-forms.json: what is written of '\(form.name)'") }
    self.quantizer = quantizer
    self.format = format
    self.dtype = dtype
    self.factors = factors.compactMap(\.self)
    self.multiples = (multiples[0], multiples[1])
    elementsPerCode = form.codes.map { $0.usual.elementCount / $0.usual.byteCount } ?? 1
  }

  /// All of them, in the order of their data.
  public static var all: [WrittenForm] { StorageRule.all.compactMap(\.written) }

  /// What a layer's note is called.
  package static var noteName: String { Recognition.shared.storageWords.note }

  /// Whether a weight `[rows, columns]` can be stored so.
  package func fits(_ shape: [Int]) -> Bool {
    shape.count == 2 && shape[0] % multiples.rows == 0 && shape[1] % multiples.columns == 0
  }

  /// The shape of the codes of a weight that fits.
  package func codeShape(_ weight: [Int]) -> [Int] { [weight[0], weight[1] / elementsPerCode] }

  /// The shape of a tensor of factors of a weight that fits.
  package func shape(of rule: ScaleRule, weight: [Int]) -> [Int] {
    if let tile = rule.tile {
      return BlockedOrder(rows: weight[0] / tile.rows, columns: weight[1] / tile.columns).shape
    }
    return quantizer.extent == .rows ? [weight[0], 1] : []
  }
}
