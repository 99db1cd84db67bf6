import Checkpoints
import Elements
import FuzzSupport
import JSON
import SystemPackage
import Tensors
import Text

/// A JSON document: written again it reads the same; and as config.json it describes no checkpoint
/// so that checking the one against the other traps.
@main
enum JSONTarget: FuzzTarget {
  private static let tensors: [TensorDescription] =
    ModelFamily.named("flux1").map { family in
      let architecture = Architecture(
        published: family.variants[0], of: family, blockCounts: ["double": 1, "single": 1])
      return architecture.entries(in: family.layouts[0]).map {
        TensorDescription(name: $0.names[0], dtype: .bf16, shape: $0.shape.map { $0 ?? 0 })
      }
    } ?? []

  static func run(_ input: RawSpan) {
    let document: JSONValue
    do { document = try JSONValue(parsing: input) } catch {
      _ = "\(error)"
      return
    }
    for text in [document.text(), document.text(.pretty)] {
      promise(
        !text.unicodeScalars.contains { $0.isUnsafeOnTerminals && $0 != "\n" },
        "written JSON is safe to show")
      let again = try? JSONValue(parsing: text)
      promise(again == document, "a document is read back as it was written")
    }
    guard document.object != nil else { return }
    let configuration = Configuration(file: "config.json", json: document)
    let description = CheckpointDescription(tensors: tensors, configuration: configuration)
    _ = description.problems.map { "\($0)" }
  }
}
